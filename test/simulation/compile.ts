/** The compiler that planted bugs go through: what did not change since the last one is neither parsed nor checked again. */
import { join } from "node:path";
import ts from "typescript";

/** Leftovers of an edit, such as an import that is not used any more, are no reason not to compile. */
const LAX = { noUnusedLocals: false, noUnusedParameters: false };

/** Compiles the project in `folder`, as its `tsconfig.prove.json` says, each time that it is called. Returns the first error, or undefined. */
export function compilerOf(folder: string): () => string | undefined {
  const fail = (diagnostic: ts.Diagnostic): never => {
    throw new Error(textOf(diagnostic));
  };
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: fail };
  const config = ts.getParsedCommandLineOfConfigFile(join(folder, "tsconfig.prove.json"), LAX, host);
  if (config === undefined) throw new Error(`no project in ${folder}`);
  const { options, fileNames } = config;
  const known = new Map<string, { readonly text: string; readonly file: ts.SourceFile }>();
  let program: ts.EmitAndSemanticDiagnosticsBuilderProgram | undefined;
  return () => {
    const compiler = ts.createIncrementalCompilerHost(options);
    const parse = compiler.getSourceFile.bind(compiler);
    compiler.getSourceFile = (path, ...how) => {
      const text = ts.sys.readFile(path) ?? "";
      const before = known.get(path);
      if (before?.text === text) return before.file;
      const file = parse(path, ...how);
      if (file !== undefined) known.set(path, { text, file });
      return file;
    };
    program = ts.createEmitAndSemanticDiagnosticsBuilderProgram(fileNames, options, compiler, program);
    const [error] = [...program.getSyntacticDiagnostics(), ...program.getSemanticDiagnostics()];
    program.emit();
    return error && textOf(error);
  };
}

function textOf({ messageText, file }: ts.Diagnostic): string {
  return `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
}
