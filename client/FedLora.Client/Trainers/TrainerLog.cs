namespace FedLora.Client.Trainers;

/// <summary>What a site's own trainer says, of bounded length. That it cannot be written (a full disk) ends nothing: a trainer whose words
/// nobody takes would stand still.</summary>
internal sealed class TrainerLog : IDisposable
{
    private const long Longest = 4 << 20;

    private readonly Lock gate = new();
    private StreamWriter? writer;
    private string lastWords = "";

    public TrainerLog(string path) => Trying(() => writer = new StreamWriter(path, append: false));

    /// <summary>The last line that is not empty.</summary>
    public string LastWords
    {
        get
        {
            lock (gate)
                return lastWords;
        }
    }

    public void Write(string line)
    {
        lock (gate)
        {
            if (line.Trim().Length > 0)
                lastWords = line.Trim();
            if (writer?.BaseStream.Position < Longest)
                Trying(() => writer.WriteLine(line));
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            Trying(() => writer?.Dispose());
            writer = null;
        }
    }

    private void Trying(Action write)
    {
        try
        {
            write();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            writer = null;
        }
    }
}
