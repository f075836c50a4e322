using System.Text;
using System.Text.Json;
using FedLora.Client.Hosting;
using FedLora.Privacy.Ledger;
using FedLora.Protocol.Mapping;
using FedLora.Protocol.V1;
using FedLora.Training.Preparation;

namespace FedLora.Server.Tests;

/// <summary>
/// Whatever goes wrong at a site: of its data, what it calls them, and where anything lies, no eight characters in a row are among the
/// bytes that its node sends, in whatever message and field. That holds for updates too, whose numbers spell no text.
/// </summary>
public sealed class NothingOfTheSiteTests(TinySites sites) : IClassFixture<TinySites>
{
    private const int Run = 8;

    [Theory]
    [InlineData("nothing", 1)]
    [InlineData("nothing", 2)]
    [InlineData("privacy", 3)]
    [InlineData("label-free-text", 4)]
    [InlineData("label-missing", 5)]
    [InlineData("label-object", 6)]
    [InlineData("bad-json-later", 7)]
    [InlineData("text-gone-later", 8)]
    [InlineData("file-gone-later", 9)]
    [InlineData("folder-later", 10)]
    [InlineData("model-gone-later", 11)]
    [InlineData("policy", 12)]
    public async Task Eight_characters_of_its_data_or_paths_are_in_nothing_that_a_node_sends(string fault, int seed)
    {
        var random = new Random(seed);
        await using var bench = await Bench.StartAsync();
        using var proxy = new RecordingProxy(bench.Operator.Url);
        var folder = Directory.CreateDirectory(bench.Scratch(Word(random))).FullName;
        var (data, model, texts) = (Path.Combine(folder, $"{Word(random)}.jsonl"), Path.Combine(folder, Word(random)), new List<string>());
        Directory.CreateDirectory(model);
        foreach (var file in Directory.EnumerateFiles(sites.Model))
            File.Copy(file, Path.Combine(model, Path.GetFileName(file)));
        var isPrivate = fault is "privacy" or "policy";
        var prepared = FederationPreparation.Prepare(Define(isPrivate).ToModel(), model, null, TestContext.Current.CancellationToken);
        WriteData(data, fault, random, texts);
        var options = new ClientOptions
        {
            Coordinator = proxy.Url,
            Data = data,
            Model = model,
            State = Path.Combine(folder, "state"),
            Token = await bench.TokenAsync(),
            Name = "site",
            DataSet = $"records of {Word(random)}",
            Policy = new SitePolicy { MinBatch = fault == "policy" ? 1000 : 0 },
        };
        using var end = new CancellationTokenSource();
        var node = Bench.RunNodeAsync(options, end.Token);
        await bench.UntilEnrolledAsync("site");
        Spoil(fault, options, texts, random);
        await bench.StartFederationAsync(prepared.Definition.ToWire(layout: true), prepared.InitialAdapter);
        var view = await bench.UntilAsync(
            view => view.State is FederationState.Finished or FederationState.Paused || view.Excluded.Count > 0);
        Assert.Equal(fault is "nothing" or "privacy", view.State == FederationState.Finished);
        await end.CancelAsync();
        await node;

        var sent = Encoding.Latin1.GetString(proxy.Sent);
        Assert.Contains("site", sent, StringComparison.Ordinal);
        Assert.True(texts.Count > 8);
        // Of paths what is the site's own: "/fedlora" begins the address of every call too.
        var paths = new[] { data, model, options.State }.Select(path => Path.GetRelativePath(bench.Scratch("."), path));
        foreach (var secret in texts.Concat(paths).Append(options.DataSet))
        {
            for (var start = 0; start + Run <= secret.Length; start++)
                Assert.False(sent.Contains(secret.Substring(start, Run), StringComparison.Ordinal),
                    $"'{secret.Substring(start, Run)}' of '{secret}' was sent");
        }
    }

    private static FederationDefinition Define(bool isPrivate)
    {
        var definition = TinySites.Define("fedit");
        definition.Rounds = 1;
        definition.Cohort = new CohortRules { Size = 1, MinNodes = 1, DeadlineSeconds = 300 };
        if (isPrivate)
            definition.Privacy = new PrivacyTerms { Epsilon = 8, Delta = 1e-5, ClipNorm = 1, SamplingRate = 0.25 };
        return definition;
    }

    // What can be found wrong with a file only in a round is wrong from the start, if its kind has to do with labels.
    private static void WriteData(string path, string fault, Random random, List<string> texts) =>
        File.WriteAllLines(path, Enumerable.Range(0, 12).Select(i =>
        {
            var text = $"{Word(random)} {Word(random)} {Word(random)}";
            texts.Add(text);
            if (i != 7)
                return JsonSerializer.Serialize(new { text, label = i % 2 == 0 ? "spam" : "ham" });
            var label = $"{Word(random)} {Word(random)}";
            texts.Add(label);
            return fault switch
            {
                "label-free-text" => JsonSerializer.Serialize(new { text, label }),
                "label-missing" => JsonSerializer.Serialize(new { text, remark = label }),
                "label-object" => JsonSerializer.Serialize(new { text, label = new { label } }),
                _ => JsonSerializer.Serialize(new { text, label = "ham" }),
            };
        }));

    private static void Spoil(string fault, ClientOptions options, List<string> texts, Random random)
    {
        var word = Word(random);
        texts.Add(word);
        switch (fault)
        {
            case "bad-json-later":
                File.WriteAllText(options.Data, $"{{\"text\":\"{word}\", {word}\n");
                break;
            case "text-gone-later":
                File.WriteAllText(options.Data, $"{{\"{word}\":\"{word}\",\"label\":\"ham\"}}\n");
                break;
            case "file-gone-later":
                File.Delete(options.Data);
                break;
            case "folder-later":
                File.Delete(options.Data);
                Directory.CreateDirectory(options.Data);
                break;
            case "model-gone-later":
                Directory.Delete(options.Model, recursive: true);
                break;
        }
    }

    // Nobody writes it by chance.
    private static string Word(Random random) => new(random.GetItems("bcdfghjklmnpqrstvwxz0123456789".AsSpan(), 12));
}
