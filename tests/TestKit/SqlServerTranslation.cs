using System.Collections.Concurrent;
using System.Data;
using System.Data.Common;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Query;
using Secrets.Infrastructure.Persistence.SqlServer;

namespace Secrets.TestKit;

/// <summary>
/// Translates every query that the service has for any other database into T-SQL too, and fails the query where that cannot be done or would mean
/// something else. So each query that any test runs is checked, and none has to be listed.
/// </summary>
public sealed class SqlServerTranslation : IQueryExpressionInterceptor
{
    /// <summary>One for all: each would have EF Core set itself up anew.</summary>
    public static readonly SqlServerTranslation Instance = new();

    private static readonly MethodInfo Run = typeof(SqlServerTranslation).GetMethod(nameof(RunAsync), BindingFlags.Static | BindingFlags.NonPublic)!;

    private static readonly ConcurrentDictionary<string, byte> Translated = new(StringComparer.Ordinal);

    private SqlServerTranslation()
    {
    }

    /// <summary>The T-SQL of every query so far, each once.</summary>
    public static IReadOnlyCollection<string> Statements => [.. Translated.Keys];

    public Expression QueryCompilationStarting(Expression queryExpression, QueryExpressionEventData eventData)
    {
        var asked = new Asked();
        using var db = NewContext(asked);
        var translated = new Rerooted(db.Model).Visit(queryExpression);
        var result = translated.Type.IsAssignableTo(typeof(IQueryable))
            ? typeof(IAsyncEnumerable<>).MakeGenericType(translated.Type.GetGenericArguments()[0])
            : typeof(Task<>).MakeGenericType(translated.Type);
        ((Task)Run.MakeGenericMethod(result).Invoke(null, [db, translated, Rerooted.ParametersOf(queryExpression)])!).GetAwaiter().GetResult();
        if (asked.Statements.Count == 0)
        {
            throw new InvalidOperationException($"Nothing is asked of SQL Server for {queryExpression}.");
        }

        foreach (var sql in asked.Statements)
        {
            PaddedComparisons.Check(sql, db.Model);
            Translated.TryAdd(sql, 0);
        }

        return queryExpression;
    }

    private static SqlServerSecretsDbContext NewContext(Asked asked)
    {
        var options = new DbContextOptionsBuilder<SqlServerSecretsDbContext>();

        // Without a limit nothing of ours opens the connection either, which does not lead anywhere.
        SqlServerEngine.Configure(options, "Server=nowhere;Connect Timeout=0");
        return new SqlServerSecretsDbContext(options.AddInterceptors(asked).Options);
    }

    private static async Task RunAsync<TResult>(SqlServerSecretsDbContext db, Expression query, IReadOnlyList<QueryParameterExpression> parameters)
    {
        var executor = db.GetService<IQueryCompilationContextFactory>().Create(async: true).CreateQueryExecutor<TResult>(query);
        var context = db.GetService<IQueryContextFactory>().Create();
        foreach (var parameter in parameters)
        {
            context.Parameters[parameter.Name] = Example(parameter.Type);
        }

        try
        {
            switch (executor(context))
            {
                case Task task:
                    await task;
                    break;
                case var rows:
                    await ReadAsync((dynamic)rows!);
                    break;
            }
        }
        catch (InvalidOperationException exception) when (exception.Message.Contains("Sequence contains no elements", StringComparison.Ordinal))
        {
            // No answer is a row.
        }
    }

    private static async Task ReadAsync<T>(IAsyncEnumerable<T> rows)
    {
        await foreach (var _ in rows)
        {
            // none
        }
    }

    private static object? Example(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        var element = type.IsArray ? type.GetElementType() : type.IsGenericType ? type.GetGenericArguments()[0] : null;
        if (type == typeof(byte[]) || type == typeof(string))
        {
            return type == typeof(string) ? "text" : new byte[32];
        }

        if (element is null)
        {
            return Activator.CreateInstance(type);
        }

        var items = Array.CreateInstance(element, 2);
        items.SetValue(Example(element), 0);
        items.SetValue(Example(element), 1);
        return type.IsArray ? items : Activator.CreateInstance(typeof(List<>).MakeGenericType(element), items);
    }

    /// <summary>Has the roots of a query stand for the tables of another model.</summary>
    private sealed class Rerooted(IModel model) : ExpressionVisitor
    {
        private readonly Dictionary<string, QueryParameterExpression> _parameters = new(StringComparer.Ordinal);

        public static IReadOnlyList<QueryParameterExpression> ParametersOf(Expression query)
        {
            var visitor = new Rerooted(model: null!);
            visitor.Visit(query);
            return [.. visitor._parameters.Values];
        }

        protected override Expression VisitExtension(Expression node)
        {
            switch (node)
            {
                case EntityQueryRootExpression root when model is not null:
                    return new EntityQueryRootExpression(model.FindEntityType(root.EntityType.Name)!);
                case EntityQueryRootExpression:
                    return node;
                case QueryParameterExpression parameter:
                    _parameters[parameter.Name] = parameter;
                    return node;
                default:
                    return base.VisitExtension(node);
            }
        }
    }

    /// <summary>Keeps what is asked, and answers nothing.</summary>
    private sealed class Asked : DbCommandInterceptor, IDbConnectionInterceptor
    {
        public List<string> Statements { get; } = [];

        public ValueTask<InterceptionResult> ConnectionOpeningAsync(
            DbConnection connection, ConnectionEventData eventData, InterceptionResult result, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(InterceptionResult.Suppress());

        public override ValueTask<InterceptionResult<DbDataReader>> ReaderExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<DbDataReader> result, CancellationToken cancellationToken = default)
        {
            Statements.Add(command.CommandText);
            return ValueTask.FromResult(InterceptionResult<DbDataReader>.SuppressWithResult(new DataTable().CreateDataReader()));
        }

        public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
            DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
        {
            Statements.Add(command.CommandText);
            return ValueTask.FromResult(InterceptionResult<int>.SuppressWithResult(0));
        }
    }
}
