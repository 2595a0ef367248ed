// VersServer
