import { createApp } from 'vue'

import App from './App.vue'
import { createPages } from './router'
import { SERVICES, createServices } from './services'
import './styles/base.css'
import './styles/parts.css'
import './styles/pages.css'
import './styles/live.css'

const title = import.meta.env.VITE_APP_TITLE ?? 'faceapi'
const base = `${import.meta.env.VITE_API_BASE_URL ?? ''}/api/v1`
const services = createServices(base, title, sessionStorage)

document.title = title
createApp(App).provide(SERVICES, services).use(createPages(services.session)).mount('#app')
