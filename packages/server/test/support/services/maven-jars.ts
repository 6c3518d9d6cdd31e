import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { debianProgram } from './debian-program.ts';
import { cachedFolder } from './install-cache.ts';
import { runTool } from './run-tool.ts';

/** Folder with the jars of these artifacts (`group:artifact:version`) and of all they need at run time. */
export async function mavenJars(name: string, artifacts: readonly string[]): Promise<string> {
  const folder = await cachedFolder(name, async (fresh) => {
    const maven = await debianProgram({ program: 'mvn', packages: ['maven'] });
    await writeFile(join(fresh, 'pom.xml'), pom(artifacts));
    const copy = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime'];
    await runTool(maven, copy, { cwd: fresh }).catch((error: unknown) => {
      throw new Error(`The jars of ${name} could not be fetched from Maven Central: ${String(error)}`, { cause: error });
    });
  });
  return join(folder, 'lib');
}

const pom = (artifacts: readonly string[]): string => `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId>
  <artifactId>services</artifactId>
  <version>1</version>
  <dependencies>
${artifacts.map(dependency).join('\n')}
  </dependencies>
</project>
`;

function dependency(artifact: string): string {
  const [group, name, version] = artifact.split(':');
  return `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`;
}
