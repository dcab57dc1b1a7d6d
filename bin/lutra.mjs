#!/usr/bin/env node
try {
  process.cwd();
} catch {
  // Modules cannot be loaded without one.
  process.stderr.write('error[IO001] the working directory is gone (change to one that exists)\n');
  process.exit(3);
}
const { register } = await import('tsx/esm/api');
register();
const { main } = await import('../src/cli/main.ts');
await main(process.argv.slice(2));
