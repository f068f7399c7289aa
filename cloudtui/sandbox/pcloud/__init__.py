"""pCloud, emulated: two regions, their accounts, the JSON API, the consent page and the content
servers.
"""
