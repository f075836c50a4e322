using System.Text.Json;
using FedLora.Adapters;

namespace FedLora.Cli.Tests;

public sealed class AdapterCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>The Fed-SB paper's counts in millions (arXiv 2502.15436; FFA-LoRA as half of FedIT, FedEx-LoRA as K times FedIT).</summary>
    [Theory]
    [InlineData("mistral-7b", 224, 83.89, 41.94, 2097.15, 120, 3.23, 200, 8.96, 234.0)]
    [InlineData("gemma-2-9b", 294, 108.04, 54.02, 2700.90, 160, 7.53, 200, 11.76, 229.7)]
    [InlineData("llama-3.2-3b", 196, 48.63, 24.31, 243.14, 120, 2.82, 200, 7.84, 31.0)]
    [InlineData("bert-base-snli", 24, 1.182, 0.592, 3.546, 48, 0.0576, 64, 0.1006, 35.2)]
    public async Task Size_reproduces_the_published_counts(string model, int modules, double fedit, double ffa, double fedex, int oneRank,
        double one, int otherRank, double other, double times)
    {
        var json = await JsonAsync("adapter", "size", "--model", model);
        var result = json.GetProperty("models")[0];
        Assert.Equal(modules, result.GetProperty("modules").GetInt32());
        Near(fedit, Published("fedit", 32));
        Near(ffa, Published("ffa-lora", 32));
        Near(fedex, Published("fedex-lora", 32));
        Near(fedex, Published("flora", 32));
        Near(one, Published("fed-sb", oneRank));
        Near(other, Published("fed-sb", otherRank));
        Assert.Equal(times, Row("fed-sb", otherRank).GetProperty("fed_ex_over").GetDouble(), 0.35);

        JsonElement Row(string method, int rank) =>
            result.GetProperty("methods").EnumerateArray()
                .Single(m => m.GetProperty("method").GetString() == method && m.GetProperty("rank").GetInt32() == rank);
        double Published(string method, int rank) => Row(method, rank).GetProperty("published").GetInt64() / 1e6;
        static void Near(double expected, double actual) => Assert.InRange(actual, expected * 0.997, expected * 1.003);
    }

    [Fact]
    public async Task Inspect_shows_modules_and_hash()
    {
        var state = Write("a", 2, 1);
        var json = await JsonAsync("adapter", "inspect", Path.Combine(_folder, "a"));
        Assert.Equal(state.Hash, json.GetProperty("sha256").GetString());
        var module = json.GetProperty("modules")[0];
        Assert.Equal("h.0.q", module.GetProperty("module").GetString());
        // s B A with B = [1 0; 0 1; 0 0], A = [3 0; 0 4], s = 2.
        Assert.Equal(8, module.GetProperty("largest").GetDouble(), 1e-6);
        Assert.Equal(10, module.GetProperty("norm").GetDouble(), 1e-6);
        Assert.Equal(2, module.GetProperty("effective_rank").GetInt32());
    }

    [Fact]
    public async Task Diff_compares_products_whatever_their_factors()
    {
        Write("a", 2, 1);
        Write("b", 2, 2);
        var same = await JsonAsync("adapter", "diff", Path.Combine(_folder, "a"), Path.Combine(_folder, "a"));
        Assert.True(same.GetProperty("same_bytes").GetBoolean());
        Assert.Equal(0, same.GetProperty("distance").GetDouble(), 1e-7);
        var other = await JsonAsync("adapter", "diff", Path.Combine(_folder, "a"), Path.Combine(_folder, "b"));
        Assert.False(other.GetProperty("same_bytes").GetBoolean());
        Assert.Equal(1, other.GetProperty("distance").GetDouble(), 1e-6);
    }

    [Fact]
    public async Task Convert_keeps_the_product_and_says_what_a_smaller_rank_loses()
    {
        Write("a", 2, 1);
        var wider = await JsonAsync("adapter", "convert", Path.Combine(_folder, "a"), Path.Combine(_folder, "wide"), "--rank", "3");
        Assert.Equal(0, wider.GetProperty("lost").GetDouble(), 1e-7);
        var diff = await JsonAsync("adapter", "diff", Path.Combine(_folder, "a"), Path.Combine(_folder, "wide"));
        Assert.Equal(0, diff.GetProperty("distance").GetDouble(), 1e-6);
        var thinner = await JsonAsync("adapter", "convert", Path.Combine(_folder, "a"), Path.Combine(_folder, "thin"), "--rank", "1");
        Assert.Equal(0.6, thinner.GetProperty("lost").GetDouble(), 1e-6);
        Assert.Equal(1, PeftFolder.Read(Path.Combine(_folder, "thin")).Config.Rank);
    }

    [Fact]
    public async Task A_folder_that_is_none_is_one_clear_error()
    {
        using var output = new StringWriter();
        var exit = await CommandLine.RunAsync(["adapter", "inspect", _folder, "--json"], output, TextWriter.Null, CancellationToken.None);
        Assert.Equal(1, exit);
        Assert.Equal("file-missing",
            JsonDocument.Parse(output.ToString()).RootElement.GetProperty("error").GetProperty("code").GetString());
    }

    private AdapterState Write(string name, int rank, float times)
    {
        var state = new AdapterState(
        [
            new("base_model.model.h.0.q.lora_A.weight", [2, 2], [3 * times, 0, 0, 4 * times]),
            new("base_model.model.h.0.q.lora_B.weight", [3, 2], [1, 0, 0, 1, 0, 0]),
        ]);
        new PeftFolder(new PeftConfig { Rank = rank, Alpha = 4, TargetModules = PeftModules.Of("q") }, state)
            .Write(Path.Combine(_folder, name));
        return state;
    }

    private static async Task<JsonElement> JsonAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await CommandLine.RunAsync([.. args, "--json"], output, error, CancellationToken.None);
        Assert.True(exit == 0, output.ToString() + error);
        return JsonDocument.Parse(output.ToString()).RootElement;
    }
}
