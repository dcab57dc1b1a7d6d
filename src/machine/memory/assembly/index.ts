/**
 * The times of external memory, as `Memory` in `src/machine/units/memory.ts` defines them, without hooks: one call runs
 * through as many cycles as nobody else has a say in. `state.ts` says where everything lies.
 */
export { place, placeOwners } from './layout';
export { setDram, setPorts, setTimes } from './settings';
export { addStream, advance, ask } from './steps';
