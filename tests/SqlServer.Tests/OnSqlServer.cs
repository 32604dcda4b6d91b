using System.Runtime.CompilerServices;
using Secrets.TestKit;

// Closer than xUnit's own attributes to the tests that are linked into this assembly.
namespace Secrets.Api.Tests;

/// <summary>A test that is skipped with a reason if there is no SQL Server.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactAttribute : Xunit.FactAttribute
{
    public FactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = SqlServerInstance.WhyNot;
}

/// <inheritdoc cref="FactAttribute" />
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TheoryAttribute : Xunit.TheoryAttribute
{
    public TheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Skip = SqlServerInstance.WhyNot;
}

internal static class OnSqlServer
{
    [ModuleInitializer]
    internal static void Choose() => TestDatabase.UseSqlServer();
}
