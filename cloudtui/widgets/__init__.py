"""Line-API widgets and small parts the screens are made of."""
