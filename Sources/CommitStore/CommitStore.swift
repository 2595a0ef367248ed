// CommitStore
