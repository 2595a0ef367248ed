// GuestConnection
