#!/usr/bin/env node
// The installed command epa-sim: hands over to connector-sim/cli.ts on the pinned Node.
import { launch } from './launch.js';

launch('connector-sim/cli.ts', process.argv.slice(2));
