// VersCommands
