using Npgsql;

namespace FedLora.Server.Stores;

/// <summary>
/// A note in a data folder that its coordinator's state is in PostgreSQL: without it, a start that forgets to say so would begin with an
/// empty state, and know none of its nodes.
/// </summary>
internal static class StateElsewhere
{
    /// <summary>In the data folder.</summary>
    internal const string FileName = "postgres.txt";

    /// <summary>Looks, before anything is opened, whether the state is where the start says.</summary>
    /// <param name="root">The data folder.</param>
    /// <param name="postgres">The connection; null: the folder.</param>
    /// <exception cref="FedLoraException"><c>state-elsewhere</c>, <c>state-here</c>.</exception>
    internal static void Require(string root, string? postgres)
    {
        var note = Path.Combine(root, FileName);
        if (postgres is null && File.Exists(note))
            throw new FedLoraException("state-elsewhere",
                $"the state of the coordinator of {root} is in PostgreSQL ({File.ReadAllText(note).Trim()})",
                "give --postgres CONN; or, to have it in a folder again, back it up and restore it: fedlora admin backup --help");
        if (postgres is not null && !File.Exists(note) && File.Exists(Path.Combine(root, "state.db")))
            throw new FedLoraException("state-here", $"{root} has the state of a coordinator without PostgreSQL",
                "move it with 'fedlora admin move --to CONN', leave --postgres out, or choose another folder with --data");
    }

    /// <summary>Leaves the note: where, but no password.</summary>
    internal static void Note(string root, string postgres)
    {
        var settings = new NpgsqlConnectionStringBuilder(postgres);
        AtomicFile.Write(Path.Combine(root, FileName), $"Host={settings.Host};Port={settings.Port};Database={settings.Database}\n");
    }
}
