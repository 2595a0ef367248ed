// GuestAgent
