import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_USAGE } from '../errors.ts';
import { findConfigPath } from './config-path.ts';
import type { CliContext } from './context.ts';
import { CONVERTIBLE } from './convertible.ts';
import type { DemoPorts } from './demo-config.ts';
import { addKubernetes } from './kubernetes-commands.ts';
import { readVersion } from './version.ts';

/** Takes a command's exit code. */
type Finish = (exitCode: number) => void;

/** Named in the design, built later: told apart from a typing error. */
const LATER = ['check', 'routes', 'replay', 'status', 'top', 'worker'];

const EXAMPLES = `
Without a command it runs the ambassador, as \`outrider run\` does.

Examples:
  outrider run --config /etc/outrider
  outrider validate config/
  outrider explain --config config/ -X POST -H 'environment: qa' /api/x
  outrider convert --from dispatcher sidecar_config.yaml > outrider.yaml
  outrider records --state held --json

Exit codes: 0, 1 (it failed), 64 (the command line or the configuration is wrong).`;

/**
 * The command line. Commands are imported when they run, so that `outrider --help` loads no YAML, no server, no
 * Kafka client and no database.
 */
export function buildProgram(context: CliContext, finish: Finish): Command {
  const program = new Command('outrider')
    .description("An HTTP ambassador for software you can't change")
    .version(readVersion(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.out(text.trimEnd()),
      writeErr: (text) => context.err(text.trimEnd()),
    })
    .addHelpText('after', EXAMPLES);
  addRunning(program, context, finish);
  addConfigCommands(program, context, finish);
  addExplain(program, context, finish);
  addConvert(program, context, finish);
  addReading(program, context, finish);
  addKubernetes(program, context, finish);
  for (const name of LATER) addLater(program, name, context, finish);
  return program;
}

function addRunning(program: Command, context: CliContext, finish: Finish): void {
  program
    .command('run')
    .description('run the ambassador (the default)')
    .addOption(configOption())
    .allowExcessArguments(false)
    .action(async ({ config }: { config?: string }) => {
      const { run } = await import('./run.ts');
      finish(await run(findConfigPath(config, context.env), context));
    });
  program
    .command('demo')
    .description('run the ambassador in front of example targets, and say what to try')
    .option('--port <port>', 'of the ambassador', parsePort)
    .option('--metrics-port <port>', 'of metrics and health', parsePort)
    .option('--admin-port <port>', 'of the admin API', parsePort)
    .option('--target-port <port>', 'the first of the targets, which take this and the next ones', parsePort)
    .allowExcessArguments(false)
    .action(async (ports: Partial<DemoPorts>) => {
      const { runDemo } = await import('./demo.ts');
      finish(await runDemo(context, ports));
    });
}

function addConfigCommands(program: Command, context: CliContext, finish: Finish): void {
  program
    .command('validate')
    .description('read a configuration and tell every mistake as file:line:column')
    .argument('[path]', 'folder or file')
    .addOption(configOption())
    .allowExcessArguments(false)
    .action(async (path: string | undefined, { config }: { config?: string }) => {
      const { validate } = await import('./validate.ts');
      finish(validate(findConfigPath(path ?? config, context.env), context));
    });
  program
    .command('test')
    .description('run the `tests` of routes.yaml; 1 when one fails')
    .argument('[path]', 'folder or file')
    .addOption(configOption())
    .option('--json', 'results as JSON')
    .allowExcessArguments(false)
    .action(async (path: string | undefined, options: { config?: string; json?: boolean }) => {
      const { testRoutes } = await import('./route-tests.ts');
      finish(testRoutes(findConfigPath(path ?? options.config, context.env), options.json === true, context));
    });
}

function addExplain(program: Command, context: CliContext, finish: Finish): void {
  program
    .command('explain')
    .description('tell which rule a request meets, why not an earlier one, and what would be sent; nothing is sent')
    .argument('<url>', 'path and query, or an absolute URL')
    .addOption(configOption())
    .option('-X, --request <method>', 'method', 'GET')
    .option('-H, --header <field>', "a header field, 'name: value'; repeatable", collect, [])
    .option('--listener <name>', 'the listener it comes in at (default: the first)')
    .option('--json', 'the explanation as JSON')
    .addHelpText('after', "\nExample:\n  outrider explain --config config/ -X POST -H 'environment: qa' /api/x")
    .allowExcessArguments(false)
    .action(async (url: string, options: ExplainFlags) => {
      const { explain } = await import('./explain.ts');
      const request = { url, method: options.request, fields: options.header, listener: options.listener };
      finish(explain(findConfigPath(options.config, context.env), request, options.json === true, context));
    });
}

interface ExplainFlags {
  config?: string;
  request: string;
  header: string[];
  listener?: string;
  json?: boolean;
}

function addConvert(program: Command, context: CliContext, finish: Finish): void {
  program
    .command('convert')
    .description("print Outrider's configuration for that of another system")
    .argument('[file]', "the other system's file; -: standard input")
    .addOption(new Option('--from <system>', 'where the file comes from').choices(CONVERTIBLE).makeOptionMandatory())
    .addHelpText('after', '\nExample:\n  outrider convert --from dispatcher sidecar_config.yaml > outrider.yaml')
    .allowExcessArguments(false)
    .action(async (file: string | undefined, { from }: { from: (typeof CONVERTIBLE)[number] }) => {
      const { convert } = await import('./convert.ts');
      finish(await convert(from, file, context));
    });
}

interface AdminFlags {
  admin: string;
  tokenFile?: string;
  json?: boolean;
}

function addReading(program: Command, context: CliContext, finish: Finish): void {
  adminCommand(program, 'records', 'list what is kept, or show one record')
    .argument('[id]', 'one record')
    .option('--state <state>', 'held, delivered, purged …')
    .option('--mirror <mirror>', 'its copy in Kafka: waiting, mirrored, parked, none')
    .option('--rule <name>')
    .option('--target <name>')
    .option('--reason <reason>', 'connect, timeout, status …')
    .option('--since <time>', 'kept since then: a duration (1h) or a time (2024-05-01T10:00:00Z)')
    .option('--limit <count>', 'at most this many, up to 1000', parseCount, 50)
    .option('--cursor <cursor>', 'go on where an earlier page ended')
    .addHelpText(
      'after',
      '\nExamples:\n  outrider records --state held\n  outrider records --mirror parked\n  outrider records 0199c3a1-… --json',
    )
    .action(async (id: string | undefined, options: AdminFlags & Record<string, string | number | undefined>) => {
      const { listRecords, showRecord } = await import('./records.ts');
      finish(id === undefined ? await listRecords(options, context) : await showRecord(id, options, context));
    });
  adminCommand(program, 'ledger', 'what was captured, and what became of it')
    .option('--verify', 'counts every record anew and compares; 1 when anything does not agree')
    .action(async (options: AdminFlags & { verify?: boolean }) => {
      const { showLedger } = await import('./ledger.ts');
      finish(await showLedger(options, context));
    });
}

/** A command that asks a running Outrider: the spool is locked by its owner. */
function adminCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--admin <url>', 'the admin API of a running Outrider', 'http://localhost:5091')
    .option('--token-file <path>', "file with the API's token, where it asks for one")
    .option('--json', 'as JSON')
    .allowExcessArguments(false);
}

function addLater(program: Command, name: string, context: CliContext, finish: Finish): void {
  program
    .command(name, { hidden: true })
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      context.err(`outrider ${name}: not in this version`);
      finish(EXIT_USAGE);
    });
}

function configOption(): Option {
  const places = 'OUTRIDER_CONFIG, SIDECAR_CONFIG, /etc/outrider if there, else the environment alone';
  return new Option('-c, --config <path>', `folder or file (default: ${places})`);
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

function parsePort(value: string): number {
  const port = Number(value);
  if (!/^[0-9]{1,5}$/.test(value) || port > 65_535) throw new InvalidArgumentError('a port from 0 to 65535');
  return port;
}

function parseCount(value: string): number {
  const count = Number(value);
  if (!/^[1-9][0-9]{0,3}$/.test(value) || count > 1000) throw new InvalidArgumentError('a whole number from 1 to 1000');
  return count;
}
