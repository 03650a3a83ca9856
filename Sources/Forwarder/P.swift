enum PlaceholderForwarder {}
