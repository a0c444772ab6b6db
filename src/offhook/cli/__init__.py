"""The command line: flat verbs, one file each. Everything it does can be done with the library as well."""
