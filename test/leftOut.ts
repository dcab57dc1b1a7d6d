import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { type Tool, toolPackages } from './tools.ts';

/** Says at the end of a run which tests were left out for want of a tool, and which package to install. */
export class LeftOutReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<Tool, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const tool = toolOf(test);
        if (tool) counts.set(tool, (counts.get(tool) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    const lines = [...counts].map(([tool, count]) => `  ${tool}: ${count} tests; Debian package ${toolPackages[tool]}`);
    process.stdout.write(`\nLeft out for want of a tool:\n${lines.join('\n')}\n`);
  }
}

function toolOf(test: TestCase): Tool | undefined {
  const name = /\[needs ([a-z0-9-]+)\]/.exec(test.fullName)?.[1];
  return name !== undefined && name in toolPackages ? (name as Tool) : undefined;
}
