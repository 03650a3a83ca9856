enum PlaceholderPacketHeaders {}
