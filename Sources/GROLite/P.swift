enum PlaceholderGROLite {}
