#!/usr/bin/env node
// The installed command epa-gateway: hands over to gateway/cli.ts on the pinned Node.
import { launch } from './launch.js';

launch('gateway/cli.ts', process.argv.slice(2));
