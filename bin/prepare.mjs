// Compiles the WebAssembly modules once after installation, so that the first run need not.
import { register } from 'tsx/esm/api';

register();
try {
  const { prepareAssembly } = await import('../src/cli/assembly.ts');
  await prepareAssembly();
} catch (error) {
  // The first run will try again, and says what is wrong.
  process.stderr.write(`lutra: WebAssembly modules not compiled yet: ${error.message}\n`);
}
