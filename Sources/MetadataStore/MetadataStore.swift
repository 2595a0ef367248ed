// MetadataStore
