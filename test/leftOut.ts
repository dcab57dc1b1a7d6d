import type { Reporter, TestCase, TestModule } from 'vitest/node';
import { type Tool, toolPackages } from './tools.ts';

/** Says at the end of a run which tests were left out for want of a tool, and which package to install. */
export class LeftOutReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const groups = new Map<Tool, Set<string>>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const tool = toolOf(test);
        if (!tool) continue;
        const known = groups.get(tool) ?? new Set();
        groups.set(tool, known.add(`${module.moduleId} ${groupOf(test)}`));
      }
    }
    if (groups.size === 0) return;
    const lines = [...groups].map(([tool, { size }]) => {
      const count = `${size} ${size === 1 ? 'group' : 'groups'} of tests`;
      return `  ${tool}: ${count}; Debian package ${toolPackages[tool]}`;
    });
    process.stdout.write(`\nLeft out for want of a tool:\n${lines.join('\n')}\n`);
  }
}

function toolOf(test: TestCase): Tool | undefined {
  const name = /\[needs ([a-z0-9-]+)\]/.exec(test.fullName)?.[1];
  return name !== undefined && name in toolPackages ? (name as Tool) : undefined;
}

function groupOf(test: TestCase): string {
  return test.parent.type === 'suite' ? test.parent.fullName : test.fullName;
}
