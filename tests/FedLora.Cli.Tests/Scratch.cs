using System.Text.Json;
using FedLora.Tests;

namespace FedLora.Cli.Tests;

/// <summary>A temporary folder with a good model, and the program run on what a test has put there.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-bad-");

    internal static string Model => Path.Combine(Fixtures.Repository, "simulations", "models", "mail-encoder");

    internal string this[string name] => Path.Combine(_folder.FullName, name);

    /// <summary>A file of the test's own.</summary>
    internal string File(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        System.IO.File.WriteAllText(this[name], text);
        return this[name];
    }

    /// <summary>The good model with one file changed; null takes it away.</summary>
    internal string ModelWith(string file, Func<byte[], byte[]?> change)
    {
        var model = Directory.CreateDirectory(this["model"]).FullName;
        foreach (var path in Directory.EnumerateFiles(Model))
        {
            var name = Path.GetFileName(path);
            if (name != file)
                System.IO.File.CreateSymbolicLink(Path.Combine(model, name), path);
            else if (change(System.IO.File.ReadAllBytes(path)) is { } bytes)
                System.IO.File.WriteAllBytes(Path.Combine(model, name), bytes);
        }
        return model;
    }

    /// <summary>
    /// Runs the program twice, with and without <c>--json</c>: it must fail with one line on standard error, with the same as
    /// <c>{"error":{"code","message","hint"}}</c> on standard output, and leave nothing behind. Returns the code and the line.
    /// </summary>
    internal async Task<(string Code, string Line)> FailsAsync(int exit, params string[] arguments)
    {
        var before = Everything();
        var (plain, output, line) = await RunAsync(arguments);
        Assert.True(plain == exit, $"exit code {plain}: {output}{line}");
        Assert.Empty(output);
        Assert.Single(line.TrimEnd('\n').Split('\n'));
        Assert.StartsWith("fedlora: ", line, StringComparison.Ordinal);
        var (json, body, error) = await RunAsync([.. arguments, "--json"]);
        Assert.Equal(exit, json);
        Assert.Empty(error);
        var said = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Equal(["code", "hint", "message"], said.EnumerateObject().Select(property => property.Name).Order(StringComparer.Ordinal));
        Assert.All(said.EnumerateObject(), property => Assert.NotEmpty(property.Value.GetString()!));
        Assert.DoesNotContain('\n', said.GetProperty("message").GetString()!);
        Assert.Equal(before, Everything());
        return (said.GetProperty("code").GetString()!, line);
    }

    /// <summary>Runs the program with <c>--json</c>: it must succeed. Returns its document and what it remarked.</summary>
    internal static async Task<(JsonElement Result, string Remarks)> SucceedsAsync(params string[] arguments)
    {
        var (exit, output, error) = await RunAsync([.. arguments, "--json"]);
        Assert.True(exit == 0, $"exit code {exit}: {output}{error}");
        return (JsonDocument.Parse(output).RootElement, error);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string[] Everything() =>
        [.. Directory.EnumerateFileSystemEntries(_folder.FullName, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    /// <summary>Runs the program.</summary>
    internal static async Task<(int Exit, string Output, string Error)> RunAsync(string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exit = await CommandLine.RunAsync(arguments, output, error, CancellationToken.None);
        return (exit, output.ToString(), error.ToString());
    }
}
