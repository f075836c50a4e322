using System.Text.RegularExpressions;

namespace FedLora.Tests;

/// <summary>
/// A coordinator started from here has the environment that the launcher gives it, and not that of tests and benchmarks: its memory depends
/// on it.
/// </summary>
internal static partial class ServerSettings
{
    private static readonly Lazy<string> Function =
        new(() => SetEnvironment().Match(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "fedlora.sh"))).Value);

    /// <summary>Arguments of <c>env</c> to be followed by a program and its arguments. The shell becomes the program.</summary>
    public static string[] ForEnv =>
    [
        "-u", "LD_PRELOAD", "-u", "MALLOC_CONF", "-u", "GLIBC_TUNABLES", "sh", "-c",
        $"{Function.Value}\nset_environment server; exec \"$@\"", "sh",
    ];

    [GeneratedRegex(@"^set_environment\(\) \{\n.*?^\}$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex SetEnvironment();
}
