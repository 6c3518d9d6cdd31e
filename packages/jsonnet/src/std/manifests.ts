import { eager } from '../run/builtin.ts';
import { expectString } from '../run/expect.ts';
import { manifestJson } from './manifest-json.ts';
import { manifestIni, manifestPython, manifestPythonVars, manifestXml } from './manifest-text.ts';
import { manifestToml } from './manifest-toml.ts';
import { manifestYaml, manifestYamlStream, yamlOptions } from './manifest-yaml.ts';
import { within } from './std-fault.ts';

/** Values as text in other formats. */
export const manifests = {
  manifestJson: eager('value', ([value = null], run) => within('1059:25-58', () => manifestJson(value, { indent: '    ' }, run))),
  manifestJsonMinified: eager('value', ([value = null], run) =>
    within('1061:33-71', () => manifestJson(value, { indent: '', newline: '', colon: ':' }, run)),
  ),
  manifestJsonEx: eager('value indent newline? key_val_sep?', ([value = null, indent = null, newline, colon], run) =>
    manifestJson(value, { indent, newline, colon }, run),
  ),
  manifestYamlDoc: eager('value indent_array_in_object? quote_keys?', ([value = null, indent = false, quote = true], run) =>
    manifestYaml(value, yamlOptions(indent, quote), run),
  ),
  manifestYamlStream: eager(
    'value indent_array_in_object? c_document_end? quote_keys?',
    ([value = null, indent = false, end = true, quote = true], run) =>
      manifestYamlStream(value, { ...yamlOptions(indent, quote), end }, run),
  ),
  manifestToml: eager('value', ([value = null], run) => within('929:25-56', () => manifestToml(value, '  ', run))),
  manifestTomlEx: eager('value indent', ([value = null, indent = null], run) => manifestToml(value, expectString(indent), run)),
  manifestIni: eager('ini', ([value = null], run) => manifestIni(value, run)),
  manifestPython: eager('v', ([value = null], run) => manifestPython(value, run)),
  manifestPythonVars: eager('conf', ([value = null], run) => manifestPythonVars(value, run)),
  manifestXmlJsonml: eager('value', ([value = null], run) => manifestXml(value, run)),
};
