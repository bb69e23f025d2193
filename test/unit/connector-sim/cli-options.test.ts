// The command line of epa-sim (api.md section 1).
import { expect, test } from 'vitest';
import { readOptions, Usage } from '../../../connector-sim/cli-options.ts';

test('serve alone stands on the default ports, strict, readable', () => {
  expect(readOptions(['serve'])).toEqual({
    command: 'serve',
    seed: undefined,
    portBase: 18080,
    json: false,
    lenient: false,
    scenario: undefined,
  });
});

test('every option is taken', () => {
  const args = ['serve', '--seed', '4', '--port-base', '0', '--json', '--lenient', '--scenario', 'a.yaml'];
  expect(readOptions(args)).toEqual({
    command: 'serve',
    seed: 4,
    portBase: 0,
    json: true,
    lenient: true,
    scenario: 'a.yaml',
  });
});

test('scenario takes its file by name', () => {
  expect(readOptions(['scenario', 'a.yaml', '--seed', '4'])).toMatchObject({
    command: 'scenario',
    scenario: 'a.yaml',
    seed: 4,
  });
});

test('a vendor of the Konnektor', () => {
  expect(readOptions(['serve', '--konnektor', 'highspeed']).konnektor).toBe('highspeed');
});

test('a forward proxy, at a free port too; none unless asked for', () => {
  expect(['8888', '0'].map((port) => readOptions(['serve', '--proxy', port]).proxy)).toEqual([8888, 0]);
  expect(readOptions(['serve']).proxy).toBeUndefined();
});

test.each<[string, string[]]>([
  ['a proxy at no port', ['serve', '--proxy', '65536']],
  ['no command', []],
  ['a second command', ['serve', 'more']],
  ['a seed that is no number', ['serve', '--seed', 'x']],
  ['another command', ['run']],
  ['scenario without a file', ['scenario']],
  ['scenario with two files', ['scenario', 'a.yaml', '--scenario', 'b.yaml']],
  ['an unknown option', ['serve', '--fast']],
  ['a seed that is none', ['serve', '--seed', '-1']],
  ['a vendor nobody knows', ['serve', '--konnektor', 'acme']],
  ['a seed too large', ['serve', '--seed', '4294967296']],
  ['a port base without room for eight ports', ['serve', '--port-base', '65529']],
])('%s is a usage error', (_what, args) => {
  expect(() => readOptions(args)).toThrow(Usage);
});
