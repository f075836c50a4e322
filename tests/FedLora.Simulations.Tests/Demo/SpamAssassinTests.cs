using FedLora.Simulations.Demo;

namespace FedLora.Simulations.Tests.Demo;

public sealed class SpamAssassinTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("fedlora-corpus-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Mails_that_read_alike_are_kept_once_and_labelled_by_their_folder()
    {
        foreach (var source in SpamAssassin.Sources)
            Write(source, "1.txt",
                $"a mail of its own from the folder named "
                    + $"{source.Replace("1", "one", StringComparison.Ordinal).Replace("2", "two", StringComparison.Ordinal)}");
        Write("spam-2", "2.txt", "A MAIL of its own!! from the folder named spam-one 12345");
        Write("spam-2", "3.txt", "");
        var mails = SpamAssassin.Read(_folder, CancellationToken.None);
        Assert.Equal(SpamAssassin.Sources, mails.Select(mail => mail.Source));
        Assert.Equal(["ham", "ham", "ham", "spam", "spam"], mails.Select(mail => mail.Label));
    }

    [Fact]
    public void A_corpus_that_is_not_there_is_said() =>
        Assert.Equal("corpus-missing", Assert.Throws<FedLoraException>(() => SpamAssassin.Read(_folder, CancellationToken.None)).Code);

    private void Write(string source, string name, string body)
    {
        Directory.CreateDirectory(Path.Combine(_folder, source));
        File.WriteAllText(Path.Combine(_folder, source, name), $"From: a@b\n\n{body}\n");
    }
}
