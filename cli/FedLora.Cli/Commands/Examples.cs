using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace FedLora.Cli.Commands;

/// <summary>
/// Command lines that work as they stand, shown by <c>--help</c> of their command and of the commands above it. A test parses each.
/// </summary>
public static class Examples
{
    private const int Shown = 8;

    /// <summary>All of them, in the order of the help.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "fedlora demo",
        "fedlora demo --dashboard",
        "fedlora demo --method fed-sb --nodes 6 --rounds 8 --out ./run",
        "fedlora server --data ./coordinator --listen http://127.0.0.1:5080",
        "fedlora server --data ./coordinator --listen https://0.0.0.0:5443 --postgres 'Host=db;Database=fedlora;Username=fedlora'",
        "fedlora server --data ./coordinator --listen https://0.0.0.0:5443",
        "fedlora server --data ./coordinator --listen https://0.0.0.0:5443 --dashboard https://0.0.0.0:5444",
        "fedlora client --coordinator http://127.0.0.1:5080 --token-file token --data site.jsonl --model ./base-model",
        "fedlora client --config site.yaml",
        "fedlora client --config site.yaml --trainer \"python3 train.py\"",
        "fedlora client status --config site.yaml",
        "fedlora client check --config site.yaml",
        "fedlora client page --config site.yaml",
        "fedlora client events --config site.yaml --follow",
        "fedlora admin --data ./coordinator dashboard-link",
        "fedlora admin --data ./coordinator token create --uses 4",
        "fedlora admin --data ./coordinator token create --role auditor --name anna",
        "fedlora admin --coordinator https://fed.example.org:5443 --identity ./anna join --token-file token",
        "fedlora admin --coordinator https://fed.example.org:5443 --identity ./anna access list",
        "fedlora admin --coordinator https://fed.example.org:5443 --identity ./anna browser-certificate --out anna.p12",
        "fedlora admin --data ./coordinator access revoke anna",
        "fedlora admin --data ./coordinator token list",
        "fedlora admin --data ./coordinator token revoke 0123456789ab",
        "fedlora admin --data ./coordinator node list",
        "fedlora admin --data ./coordinator node show site-3",
        "fedlora admin --data ./coordinator node rename site-3 clinic-3",
        "fedlora admin --data ./coordinator node revoke site-3",
        "fedlora admin --data ./coordinator node readmit site-3",
        "fedlora admin --data ./coordinator node delete site-3",
        "fedlora admin --data ./coordinator federation create -f federation.yaml --model ./base-model --start",
        "fedlora admin federation validate -f federation.yaml --model ./base-model",
        "fedlora admin federation explain -f federation.yaml",
        "fedlora admin federation schema",
        "fedlora admin --data ./coordinator federation update -f federation.yaml",
        "fedlora admin --data ./coordinator federation clone mail --as mail-2",
        "fedlora admin --data ./coordinator federation delete mail",
        "fedlora admin --data ./coordinator federation start mail",
        "fedlora admin --data ./coordinator federation pause mail",
        "fedlora admin --data ./coordinator federation stop mail",
        "fedlora admin --data ./coordinator federation show mail --json",
        "fedlora admin --data ./coordinator federation list",
        "fedlora admin --data ./coordinator federation watch mail",
        "fedlora admin --data ./coordinator export mail --out ./adapter",
        "fedlora admin --data ./coordinator replay mail --round 3",
        "fedlora admin --data ./coordinator events --federation mail",
        "fedlora admin --data ./coordinator events --node site-3 --follow --json",
        "fedlora admin --data ./coordinator audit verify",
        "fedlora admin audit verify --folder ./fedlora-node/audit",
        "fedlora data check site.jsonl",
        "fedlora data check ./train.parquet --model ./base-model --max-length 512 --json",
        "fedlora admin --data ./coordinator disk",
        "fedlora admin --data ./coordinator gc",
        "fedlora admin --data ./coordinator backup /backups/mail --keep 14",
        "fedlora admin restore /backups/mail --check",
        "fedlora admin --data ./restored restore /backups/mail",
        "fedlora admin --data ./coordinator move --to 'Host=db;Database=fedlora;Username=fedlora'",
        "fedlora evaluate --model ./base-model --adapter ./adapter --data held-out.jsonl",
        "fedlora evaluate --model ./base-model --adapter ./adapter --data held-out.jsonl --batch 16 --plots ./pictures",
        "fedlora evaluate --model ./base-model --data texts.jsonl --max-length 1024 --stride 512",
        "fedlora generate --model ./base-model --adapter ./adapter --prompt \"Dear colleagues,\" --max-tokens 64",
        "fedlora generate --model ./base-model --prompts prompts.jsonl --temperature 0.8 --top-p 0.9 --seed 1 --json",
        "fedlora simulate scenario.yaml --out ./simulation",
        "fedlora simulate scenario.yaml --explain",
        "fedlora simulate first --out ./simulation",
        "fedlora simulate --data mail.jsonl --model ./base-model --nodes 10 --methods fedsvd,ffa-lora --epsilon 3,none --seeds 3",
        "fedlora simulate compare ./simulation ./other-simulation",
        "fedlora pretrain --out ./my-encoder --steps 8000",
        "fedlora adapter inspect ./adapter",
        "fedlora adapter size --model mistral-7b --rank 32 --nodes 25",
        "fedlora adapter convert ./adapter ./adapter-r4 --rank 4",
        "fedlora adapter merge ./adapter --model ./base-model --out ./merged",
        "fedlora adapter diff ./adapter ./adapter-r4",
        "fedlora privacy epsilon --noise-multiplier 0.83 --sampling-rate 0.08 --steps 96 --delta 1e-5",
        "fedlora privacy noise --epsilon 8 --sampling-rate 0.08 --steps 96 --delta 1e-5",
        "fedlora privacy steps --epsilon 8 --noise-multiplier 0.83 --sampling-rate 0.08 --delta 1e-5",
        "fedlora privacy ledger ./fedlora-node/ledger",
        "fedlora privacy what-if ./fedlora-node/ledger --rounds 20",
        "fedlora privacy statement ./fedlora-node/ledger --out statement.json",
        "fedlora privacy audit",
        "fedlora bench train --peer --json",
        "fedlora bench aggregate --quick",
        "fedlora bench codec --density 0.0625",
        "fedlora bench cohort --tokens 32",
        "fedlora bench dp --json",
        "fedlora bench memory --case minilm-f32",
        "fedlora bench evaluate --peer",
        "fedlora bench generate --peer --case smollm2-f32",
        "fedlora bench serve --case crowd --json",
        "fedlora bench simulate --json",
        "fedlora bench tokenize --json",
    ];

    /// <summary>Those of a command, or of the commands below it.</summary>
    /// <param name="path">E.g. <c>admin token create</c>; empty for the program.</param>
    public static IEnumerable<string> Of(string path) =>
        All.Where(example => Of(Words(example), path.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    /// <summary>Adds them to the help of every command below <paramref name="root"/>, which it returns.</summary>
    public static T AddTo<T>(T root)
        where T : Command
    {
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((SynchronousCommandLineAction)help.Action!);
        return root;
    }

    /// <summary>The words that lead to a command, without the program's name.</summary>
    public static IEnumerable<string> Path(this Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? parent.Path().Append(command.Name) : [];

    private static bool Of(List<string> words, string[] path) => words.Take(path.Length).SequenceEqual(path, StringComparer.Ordinal);

    // The command's words: "admin --data ./coordinator token create --uses 4" is of "admin token create".
    private static List<string> Words(string example)
    {
        var words = example.Replace("admin --data ./coordinator", "admin", StringComparison.Ordinal)
            .Replace("admin --data ./restored", "admin", StringComparison.Ordinal)
            .Replace("admin --coordinator https://fed.example.org:5443 --identity ./anna", "admin", StringComparison.Ordinal);
        return [.. words.Split(' ').Skip(1).TakeWhile(word => !word.StartsWith('-'))];
    }

    private sealed class HelpWithExamples(SynchronousCommandLineAction help) : SynchronousCommandLineAction
    {
        public override bool Terminating => help.Terminating;

        public override bool ClearsParseErrors => help.ClearsParseErrors;

        public override int Invoke(ParseResult parseResult)
        {
            var exit = help.Invoke(parseResult);
            var path = string.Join(' ', parseResult.CommandResult.Command.Path());
            var lines = Of(path).Take(Shown).ToList();
            if (lines.Count == 0)
                return exit;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var line in lines)
                output.WriteLine($"  {line}");
            output.WriteLine();
            return exit;
        }
    }
}
