// What every loader prints: one line of JSON. Peak memory is the whole process's, node included.
export function report(system, version, events, seconds, bytes) {
  const peak = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ system, version, events, seconds, bytes, peak }));
}

export function argumentsOrExit() {
  const [file, folder] = process.argv.slice(2);
  if (!file || !folder) {
    console.error(`usage: node ${process.argv[1].split('/').pop()} FILE.ndjson EMPTY_FOLDER`);
    process.exit(2);
  }
  return { file, folder };
}

export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
