// What the tests of the documents need to read Markdown: code blocks, links with their anchors, commands, files named.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** Contents of the fenced blocks of one language, in order. */
export function codeBlocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === language)
    .map((match) => match[2] ?? '');
}

/** The text without fenced blocks and inline code: what is prose and links. */
function prose(markdown: string): string {
  return markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
}

/** Anchors of a file: explicit ones, and those that are made from headings. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set([...markdown.matchAll(/<a id="([^"]+)">/g)].map((match) => match[1] ?? ''));
  for (const [, title = ''] of markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const words = title.replace(/<[^>]*>|`/g, '').toLowerCase();
    anchors.add(words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'));
  }
  return anchors;
}

/** Relative links of `file` that lead nowhere. `read` gives another file's text by its path from the root, or undefined. */
export function brokenLinks(file: string, markdown: string, read: (path: string) => string | undefined): string[] {
  const targets = [...prose(markdown).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const text = path === '' ? markdown : read(normalize(join(dirname(file), path)));
      return text === undefined || (anchor !== undefined && !anchorsOf(text).has(anchor));
    });
}

/** Script names of `npm run NAME`, `npm test` and `npm start`, wherever they stand in code. */
export function npmScripts(markdown: string): string[] {
  const code = [...markdown.matchAll(/^```[\s\S]*?^```$|`[^`\n]+`/gm)].map((match) => match[0]).join('\n');
  const run = [...code.matchAll(/\bnpm run (?:-s )?([a-z][a-z:-]*)/g)].map((match) => match[1] ?? '');
  const short = [...code.matchAll(/\bnpm (test|start)\b/g)].map((match) => match[1] ?? '');
  return [...new Set([...run, ...short])];
}

/** Paths of files of this project named in code, or run by our launcher. */
export function filesNamed(markdown: string): string[] {
  const named = markdown.matchAll(/(?<![\w/.$-])((?:[\w.-]+\/)+[\w.-]+\.(?:ts|js|md|xml|yml|json))(?![\w/])/g);
  return [...new Set([...named].map((match) => match[1] ?? ''))];
}

export function missingFiles(root: string, markdown: string): string[] {
  return filesNamed(markdown).filter((path) => !existsSync(join(root, path)));
}
