import { slotRows } from './clients-slots.ts'

slotRows('undici.request through sluice()', 'all')
slotRows('undici.fetch through sluice()', 'essential')
slotRows('the platform’s fetch through sluice()', 'essential')
