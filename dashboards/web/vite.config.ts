import vue from '@vitejs/plugin-vue'
import { loadEnv } from 'vite'
import { defineConfig } from 'vitest/config'

export default defineConfig(({ mode }) => {
  const service = loadEnv(mode, process.cwd(), 'VITE_').VITE_PROXY ?? 'http://127.0.0.1:8000'
  return {
    plugins: [vue()],
    server: {
      port: 3000,
      proxy: {
        // The Host stays the browser's: the service compares it with the Origin.
        '/api': { target: service, ws: true },
        '/health': { target: service },
      },
    },
    build: {
      // The policy of the service allows no data: addresses and no inline script.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    test: { environment: 'happy-dom', include: ['test/**/*.test.ts'] },
  }
})
