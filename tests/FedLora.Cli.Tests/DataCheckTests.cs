using System.Text.Json;

namespace FedLora.Cli.Tests;

/// <summary><c>fedlora data check</c> counts what training would read.</summary>
public sealed class DataCheckTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task It_counts_kinds_labels_duplicates_and_bad_rows()
    {
        var file = _scratch.File("data.csv", "text,label,person\nfree money,spam,1\nfree money,spam,2\nsee you,ham,1\n,ham,1\n");
        var (result, _) = await Scratch.SucceedsAsync("data", "check", file, "--unit", "person", "--model", Scratch.Model, "--max-length",
            "8");
        Assert.Equal((4, 3, 1, 1, 2),
            (Number(result, "lines"), Number(result, "usable"), Number(result, "duplicates"), Number(result, "bad_lines"),
                Number(result, "units")));
        Assert.Equal((2, 1), (Number(result.GetProperty("labels"), "spam"), Number(result.GetProperty("labels"), "ham")));
        Assert.Contains("row 4", result.GetProperty("reasons")[0].GetString()!, StringComparison.Ordinal);
        Assert.InRange(Number(result.GetProperty("tokens"), "most"), 2, 8);
    }

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    /// <summary>What a federation for classification would refuse is not called a line without a label.</summary>
    [Fact]
    public async Task A_label_of_another_kind_is_counted_by_itself()
    {
        var file = _scratch.File("odd.jsonl", """
            {"text":"a","label":"ham"}
            {"text":"b","label":true}
            {"text":"c","label":null}
            {"text":"d"}
            """);
        var (result, _) = await Scratch.SucceedsAsync("data", "check", file);
        Assert.Equal((1, 2), (Number(result, "odd_labels"), Number(result, "unlabelled")));
    }
}
