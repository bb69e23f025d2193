// The thread beside the server of serving.ts: reads and validates the files whose names it is sent.
import { readFileSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { CoreTables, ToolkitTables } from '../../mio/tables.ts';
import { validate } from '../../mio/validate/validate.ts';
import { readXml } from '../../mio/xml-read.ts';

const tables = new ToolkitTables('1.1.0', new CoreTables());

parentPort?.on('message', (file: string) => {
  const bytes = readFileSync(file);
  const start = performance.now();
  const findings = validate(readXml(bytes, tables.core.shapes).resource, tables);
  const errors = findings.filter((one) => one.severity === 'error').length;
  parentPort?.postMessage({ seconds: (performance.now() - start) / 1000, errors });
});
parentPort?.postMessage('ready');
