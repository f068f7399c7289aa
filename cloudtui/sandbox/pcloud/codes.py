"""Result numbers of pCloud's JSON API and their texts.

Owns the numbers. Clients match numbers only, the service's own texts contain typos (kept where
known).
"""

from __future__ import annotations

TEXTS = {
    1000: "Log in required.",
    1001: "No full path or name/folderid provided.",
    1002: "No full path or folderid provided.",
    1004: "No fileid or path provided.",
    1005: "Unknown content type requested.",
    1013: "Please provide a valid expiry, limit or option.",
    1014: "Thumb can not be created from this file type.",
    1015: "Please provide valid thumb size.",
    1016: "No full topath or toname/tofolderid provided.",
    1017: "Invalid 'folderid' provided.",
    1018: "Invalid 'fileid' provided.",
    1020: "Please provide language.",
    1021: "Language not supported.",
    1022: "Please provide 'code'.",
    1023: "Please provide 'mail' to share folder with.",
    1024: "Please provide 'permissions' for the share.",
    1025: "Please provide 'sharerequestid' or 'code' to accept a share.",
    1026: "Please provide 'sharerequestid'.",
    1027: "Please provide 'shareid'.",
    1028: "Please provide 'code'.",
    1029: "Please provide 'fileid'.",
    1030: "Please provide 'linkid'.",
    1031: "Please provide 'oldpassword'.",
    1032: "Please provide 'newpassword'.",
    1033: "Please provide 'mail'.",
    1034: "Please provide 'password'.",
    1037: "Please provide at least one of 'topath', 'tofolderid' or 'toname'.",
    1038: "Please provide 'uploadid'.",
    1039: "Please provide 'name'.",
    1040: "Please provide 'url'.",
    1041: "Please provide 'message'.",
    1042: "Please provide 'reason'.",
    1053: "Please provide 'fileid' or 'folderid'.",
    1054: "Invalid 'restoreto' provided.",
    1057: "Please provide 'collectionid'.",
    1058: "Invalid collection type.",
    1076: "Please provide 'tokenid'.",
    1101: "Recursive listing of the root folder is not available.",
    1149: "Please provide 'os'.",
    1900: "Upload not found.",
    1901: "Zip not found.",
    2000: "Log in failed.",
    2001: "Invalid file/folder name.",
    2002: "A component of parent directory does not exist.",
    2003: "Access denied. You do not have permissions to preform this operation.",
    2004: "File or folder alredy exists.",
    2005: "Directory does not exist.",
    2006: "Folder is not empty.",
    2007: "Cannot delete the root folder.",
    2008: "User is over quota.",
    2009: "File not found.",
    2010: "Invalid path.",
    2012: "Invalid 'code' provided.",
    2013: "Email is already verified.",
    2014: "Please verify your email address to preform this action.",
    2015: "Cannot share the root folder.",
    2018: "Invalid 'mail' provided.",
    2019: "Share request already exists.",
    2020: "You can't share a folder with yourself.",
    2021: "Non existing share request.",
    2022: "Wrong user to accept the share.",
    2025: "Invalid shareid.",
    2027: "Link does not exist.",
    2028: "There are active shares or sharerequests for this folder.",
    2029: "Revision not found.",
    2030: "New password is the same as the old one.",
    2031: "Wrong 'oldpassword' provided.",
    2032: "Password too short.",
    2033: "Password can not start or end with space.",
    2034: "Password does not contain enough different characters.",
    2035: "Password can not contain only consecutive characters.",
    2036: "Verification 'code' expired.",
    2037: "You need to accept Terms of Service to register.",
    2038: "User with this email is already registered.",
    2041: "Connection broken.",
    2042: "Cannot rename the root folder.",
    2043: "Cannot move a folder to a subfolder of itself.",
    2055: "File or folder not found.",
    2065: "Collection not found.",
    2067: "Upload not found.",
    2068: "Error writing to upload.",
    2073: "Collection name already exists.",
    2094: "Invalid 'access_token' provided.",
    2095: "Revoked 'access_token' provided, you need to re-authorize the application.",
    2102: "Provided 'tokenid' not found.",
    4000: "Too many login tries from this IP address.",
    4006: "Throttle limit reached.",
    4010: "Too many actions from this IP address.",
    5000: "Internal error, please try again later.",
    5001: "Internal upload error.",
    5002: "Internal error, no servers available. Try again later.",
    7001: "Invalid link code.",
    7002: "This link is deleted by the owner.",
    7004: "This link has expired.",
    7006: "This link has reached its download limit.",
    7010: "Invalid link referer.",
}


class Refusal(Exception):
    """The call ends with this result number instead of an answer."""

    def __init__(self, result: int, text: str | None = None) -> None:
        self.result = result
        self.text = text if text is not None else TEXTS.get(result, f"Error {result}.")
        super().__init__(self.text)

    def body(self) -> dict[str, object]:
        """The error envelope; sent with HTTP status 200."""
        return {"result": self.result, "error": self.text}
