// VersClient
