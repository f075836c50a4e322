using System.Runtime.CompilerServices;

namespace FedLora.Tokenizers.Chat;

/// <summary>What one rendering may take: a template is another's program.</summary>
internal sealed class TemplateBounds(CancellationToken cancellationToken)
{
    /// <summary>Of one text.</summary>
    public const int MostCharacters = 32 * 1024 * 1024;

    /// <summary>What an item of a list, a call or an operator counts as, in characters.</summary>
    public const int Item = 8;

    // Characters written, copied or compared, in all: some seconds, and twice as many bytes where all of them are kept.
    private const long MostWork = 256L * 1024 * 1024;

    private const int MostSteps = 500_000;
    private const int MostCalls = 64;
    private const int MostStatements = 1000;
    private const int MostValues = 100;

    private int _steps;
    private int _calls;
    private int _statements;
    private long _work;

    public void Step()
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (++_steps > MostSteps)
            throw new TemplateException(0, "does not come to an end");
    }

    /// <summary>Counts work before it is done.</summary>
    /// <param name="characters">How many are written, copied or compared.</param>
    public void Spend(long characters)
    {
        _work += characters;
        if (_work > MostWork)
            throw new TemplateException(0, $"takes more than {MostWork} characters of work");
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Counts the search for one text in another: where the one nearly is everywhere, all of it is compared.</summary>
    public void Search(string text, string part) => Spend(text.Length * (1L + (part.Length / 64)));

    /// <summary>Calls a macro, so deep at most.</summary>
    public T Call<T>(Func<T> call)
    {
        if (++_calls > MostCalls)
            throw new TemplateException(0, "calls itself too deep");
        try
        {
            return call();
        }
        finally
        {
            _calls--;
        }
    }

    /// <summary>Goes into a statement; <see cref="Leave"/> follows, unless this throws.</summary>
    public void Enter()
    {
        if (_statements >= MostStatements)
            throw new TemplateException(0, "is nested too deep");
        EnsureStack();
        _statements++;
    }

    public void Leave() => _statements--;

    /// <summary>Counts a value at this depth of lists and objects.</summary>
    public void Value(int depth)
    {
        if (depth > MostValues)
            throw new TemplateException(0, $"makes a value of more than {MostValues} lists and objects within each other");
        EnsureStack();
        Spend(Item);
    }

    /// <summary>The last guard of all that calls itself: an overflow of the stack cannot be caught.</summary>
    public static void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateException(0, "is nested too deep");
    }
}
