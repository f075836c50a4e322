using FedLora.Client.Rounds;
using FedLora.Training.Data;

namespace FedLora.Client.Tests;

/// <summary>No piece of a site's data or paths is in what its coordinator is told of a failure.</summary>
public sealed class PublicReasonTests : IDisposable
{
    private const int Piece = 8;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("fedlora-secret-place-");

    public static TheoryData<string> Lines =>
    [
        """{"text":"the patient was seen on monday","label":"Patient Erika Mustermann, diagnosis F32.1, lives in Musterstadt"}""",
        """{"text":"the patient was seen on monday","label":{"free":"Erika Mustermann of Musterstadt"}}""",
        """{"text":17,"label":"ham"}""",
        """{"text":"half a \\ud800 pair of Erika Mustermann","label":"ham"}""",
        """{"text":"Erika Mustermann of Musterstadt" "label":"ham"}""",
        """["Erika Mustermann of Musterstadt"]""",
        "Erika Mustermann of Musterstadt",
    ];

    [Theory]
    [MemberData(nameof(Lines))]
    public void Of_a_line_only_its_number_and_what_kind_of_fault_it_has_are_told(string line)
    {
        var path = Path.Combine(_folder.FullName, "cases-of-doctor-miller.jsonl");
        File.WriteAllText(path, """{"text":"a","label":"ham"}""" + "\n" + line.Replace("\\\\u", "\\u", StringComparison.Ordinal) + "\n");
        var settings = new DataSettings(TextTask.SequenceClassification, 64, ["ham", "spam"]);
        var error = Assert.Throws<FedLoraException>(() => DataFile.Read(path, settings, CancellationToken.None));
        var told = PublicReason.Of(error);
        Assert.Contains("line 2", told, StringComparison.Ordinal);
        Holds(told, line, path);
    }

    [Theory]
    [InlineData("data-missing")]
    [InlineData("model-folder-missing")]
    [InlineData("tokenizer-invalid")]
    [InlineData("training-diverged")]
    public void Of_any_other_failure_only_its_kind_is_told(string code)
    {
        var path = Path.Combine(_folder.FullName, "cases-of-doctor-miller.jsonl");
        var told = PublicReason.Of(new FedLoraException(code, $"{path}: 'Erika Mustermann of Musterstadt' cannot be read", "mend it"));
        Assert.Contains(code, told, StringComparison.Ordinal);
        Holds(told, "Erika Mustermann of Musterstadt", path);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static void Holds(string told, params string[] secrets)
    {
        foreach (var secret in secrets)
        {
            for (var i = 0; i + Piece <= secret.Length; i++)
                Assert.DoesNotContain(secret.Substring(i, Piece), told, StringComparison.OrdinalIgnoreCase);
        }
    }
}
