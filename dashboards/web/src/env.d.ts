interface ImportMetaEnv {
  /** Where the service is, if not where the page comes from: https://host:port */
  readonly VITE_API_BASE_URL?: string
  /** What the product is called. */
  readonly VITE_APP_TITLE?: string
}

interface ImportMeta {
  readonly env: ImportMetaEnv
}
