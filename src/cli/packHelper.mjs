// A thread that packs. The loader is needed in every thread of its own.
import { register } from 'tsx/esm/api';

register();
const { help } = await import('./packHelper.ts');
help();
