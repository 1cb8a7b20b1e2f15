import { slotRows } from './clients-slots.ts'

slotRows('protectedFetch() of the platform’s fetch', 'all')
slotRows('protectedFetch() of undici.fetch', 'essential')
