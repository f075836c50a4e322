using System.Text.Json;
using FedLora.Simulations.Data;
using FedLora.Simulations.Running;
using FedLora.Simulations.Scenarios;

namespace FedLora.Simulations.Results;

/// <summary>
/// A run's folder: <c>scenario.yaml</c> (all that holds), <c>results.jsonl</c>, <c>results.csv</c>, <c>nodes.jsonl</c>, <c>adapter/</c>
/// (PEFT) and, once it is finished, <c>run.json</c>.
/// </summary>
public sealed class RunFolder : IDisposable
{
    private const string Finished = "run.json";
    private readonly StreamWriter _results;
    private readonly StreamWriter _table;
    private readonly StreamWriter _nodes;
    private readonly List<ResultLine> _lines = [];

    private RunFolder(string path)
    {
        Path = path;
        (_results, _table, _nodes) = (Open("results.jsonl"), Open("results.csv"), Open("nodes.jsonl"));
        _table.Write(ResultLine.CsvHeader + "\n");
    }

    public string Path { get; }

    /// <summary>The rounds so far.</summary>
    public IReadOnlyList<ResultLine> Lines => _lines;

    /// <summary>Where adapters lie.</summary>
    public string Adapter => System.IO.Path.Combine(Path, "adapter");

    /// <summary>Begins a run; what an earlier one left in the folder goes.</summary>
    internal static RunFolder Begin(string path, ScenarioFile scenario)
    {
        Directory.CreateDirectory(path);
        AtomicFile.DeleteLeftovers(path, SearchOption.AllDirectories);
        File.Delete(System.IO.Path.Combine(path, Finished));
        using var text = new StringWriter { NewLine = "\n" };
        scenario.Explain(text);
        AtomicFile.Write(System.IO.Path.Combine(path, "scenario.yaml"), text.ToString());
        return new(path);
    }

    /// <summary>A run of this identity that is finished there; null where there is none.</summary>
    public static RunSummary? Find(string path, string identity) =>
        Read(path) is { } summary && summary.Identity == identity ? summary : null;

    /// <summary>A finished run; null where there is none.</summary>
    /// <exception cref="FedLoraException"><c>run-invalid</c>.</exception>
    public static RunSummary? Read(string path)
    {
        var file = System.IO.Path.Combine(path, Finished);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize<RunSummary>(File.ReadAllBytes(file), SimulationJson.Page) : null;
        }
        catch (JsonException error)
        {
            throw new FedLoraException("run-invalid", $"{file} is not what a simulation wrote: {error.Message}",
                "remove the folder and simulate again", error);
        }
    }

    /// <summary>The rounds of a finished run.</summary>
    public static IReadOnlyList<ResultLine> LinesOf(string path) => ReadLines<ResultLine>(path, "results.jsonl");

    /// <summary>What its nodes did.</summary>
    public static IReadOnlyList<NodeLine> NodesOf(string path) => ReadLines<NodeLine>(path, "nodes.jsonl");

    internal ResultLine Add(RoundOutcome outcome, Func<int, int> examplesOf)
    {
        var line = ResultLine.Of(outcome, _lines.Count == 0 ? 0 : _lines[^1].BytesTotal);
        _lines.Add(line);
        Write(_results, JsonSerializer.Serialize(line, SimulationJson.Line));
        Write(_table, line.ToCsv());
        foreach (var work in outcome.Work)
            _nodes.Write(JsonSerializer.Serialize(NodeLine.Of(work, examplesOf(work.Task.Node)), SimulationJson.Line) + "\n");
        _nodes.Flush();
        return line;
    }

    internal void Finish(RunSummary summary)
    {
        Dispose();
        AtomicFile.Write(System.IO.Path.Combine(Path, Finished), JsonSerializer.Serialize(summary, SimulationJson.Page) + "\n");
    }

    public void Dispose()
    {
        _results.Dispose();
        _table.Dispose();
        _nodes.Dispose();
    }

    private static IReadOnlyList<T> ReadLines<T>(string path, string name) =>
        [.. File.ReadLines(System.IO.Path.Combine(path, name)).Where(line => line.Length > 0)
            .Select(line => JsonSerializer.Deserialize<T>(line, SimulationJson.Line)!)];

    private StreamWriter Open(string name) =>
        new(new FileStream(System.IO.Path.Combine(Path, name), FileMode.Create, FileAccess.Write, FileShare.Read)) { NewLine = "\n" };

    private static void Write(StreamWriter writer, string line)
    {
        writer.Write(line + "\n");
        writer.Flush();
    }
}

/// <summary>A finished run.</summary>
/// <param name="Identity">Of everything that it depends on: the same again is not run again.</param>
/// <param name="Name">The scenario's, with what a sweep has set.</param>
/// <param name="Values">What a sweep has set, by key.</param>
/// <param name="State">How the federation ended: finished or paused.</param>
/// <param name="Reason">Why.</param>
/// <param name="Split">Who had what.</param>
/// <param name="Last">The last round; null where none was committed.</param>
public sealed record RunSummary(
    string Identity, string Name, IReadOnlyDictionary<string, string> Values, string State, string Reason, SplitSummary Split,
    ResultLine? Last);
