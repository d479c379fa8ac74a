/** machine: the time and the chance of the machine come in here and nowhere else, so that everything above can be told another. */
export { systemClock } from './clock.ts'
export { systemIds } from './ids.ts'
