// A copy of the tree to break: real copies of the sources, the packages by a link. The tree itself is never written to.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const LEFT_OUT = new Set(['node_modules', '.git', 'data']);

export type Workspace = {
  folder: string;
  /** Runs `work` while `file` holds `text`. */
  with<T>(file: string, text: string, work: () => Promise<T>): Promise<T>;
  remove(): void;
};

export function openWorkspace(root: string): Workspace {
  const folder = mkdtempSync(join(tmpdir(), 'epa-mutate-'));
  cpSync(root, folder, { recursive: true, filter: (path) => path === root || !LEFT_OUT.has(basename(path)) });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return {
    folder,
    async with(file, text, work) {
      const path = join(folder, file);
      const before = readFileSync(path, 'utf8');
      writeFileSync(path, text);
      try {
        return await work();
      } finally {
        writeFileSync(path, before);
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
