// What the operating system says of a process: CPU time and the most memory it ever had. Linux only, as the benchmark is.
import { readFileSync } from 'node:fs';

/** Ticks of /proc per second: fixed for user space on Linux (USER_HZ). */
const TICKS_PER_SECOND = 100;

/** CPU time since its start, in ms: user and system, without its children. */
export function cpuMs(pid: number): number {
  // The name, which may hold anything, ends with the last bracket; utime and stime are fields 14 and 15.
  const fields = afterName(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

const afterName = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

/** The most it ever had, in MB of 1,000,000 bytes. */
export const peakRssMb = (pid: number): number => memoryMb(pid, 'VmHWM');

/** What it has now. */
export const rssMb = (pid: number): number => memoryMb(pid, 'VmRSS');

function memoryMb(pid: number, name: string): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error('the operating system does not say what memory the process had');
  return (Number(kib) * 1024) / 1e6;
}
