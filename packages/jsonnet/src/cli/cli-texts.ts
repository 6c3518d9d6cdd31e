export const versionText = 'Jsonnet commandline interpreter (jsonnet-js 0.0.0, the language of go-jsonnet v0.22.0)\n';

export const helpText = `${versionText}
jsonnet-js {<option>} <filename>

<filename> is - for standard input. Single letters may be joined: -Sy is -S -y. What stands after -- is no option.

  -h / --help                 Show this text
  --version                   Show the version
  -e / --exec                 The filename is the program itself
  -J / --jpath <dir>          Search imports here, too; the last one wins
  -o / --output-file <file>   Write to the file instead of standard output
  -m / --multi <dir>          Write a file for each field into the folder, and list the files
  -c / --create-output-dirs   Create the folders of all written files
  -y / --yaml-stream          Write an array as a YAML stream of JSON documents
  -S / --string               The value is a string: write it as plain text
  --no-trailing-newline       Do not end the output with a newline
  -s / --max-stack <n>        Number of stack frames that are allowed (500)
  -t / --max-trace <n>        Frames that an error shows (20); 0 shows all

Variables for std.extVar:
  -V / --ext-str <var>[=<text>]       Without =, the environment variable of that name
       --ext-str-file <var>=<file>    The text of the file
       --ext-code <var>[=<code>]      Jsonnet, evaluated when it is used
       --ext-code-file <var>=<file>

Arguments, where the value of the program is a function:
  -A / --tla-str <var>[=<text>]
       --tla-str-file <var>=<file>
       --tla-code <var>[=<code>]
       --tla-code-file <var>=<file>

JSONNET_PATH is a list of folders, parted by colons, that imports search after those of --jpath; the first one wins.
`;
