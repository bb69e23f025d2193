// Set-up file of the runs on PostgreSQL: no schema of a test outlives its file.
import { afterAll } from 'vitest';
import { dropAllStores } from './stores.ts';

afterAll(() => dropAllStores());
