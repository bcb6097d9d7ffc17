"""The importer brings arrived files into the profiles. It opens files but never lists a folder."""
